const UNIT_TYPES = 'service|socket|target|timer|path|mount|automount|swap|slice|scope|device';
// systemd.unit(5): a prefix, perhaps `@` and an instance, and a type
const UNIT_NAME = new RegExp(`^[A-Za-z0-9:_.\\\\-]+(?:@[A-Za-z0-9:_.\\\\@-]*)?\\.(?:${UNIT_TYPES})$`);
const MAX_UNIT_NAME_LENGTH = 255;

export function isUnitName(name: string): boolean {
  return name.length <= MAX_UNIT_NAME_LENGTH && UNIT_NAME.test(name);
}

/** `getty@tty1.service` → `getty@.service`; `undefined` for names that are no instance. */
export function templateOf(name: string): string | undefined {
  const at = name.indexOf('@');
  const dot = name.lastIndexOf('.');
  return at < 0 || dot === at + 1 ? undefined : name.slice(0, at + 1) + name.slice(dot);
}
