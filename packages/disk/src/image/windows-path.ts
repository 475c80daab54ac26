/**
 * A path that Windows wrote, as a name for the reference policy. `.\base\parent.vhd` is a path beside the image; of
 * `C:\disks\parent.vhd` only the last part means anything here: that it is the right file is told by its identity.
 */
export function referenceName(windowsPath: string): string {
  const parts = windowsPath.replaceAll('\\', '/').split('/');
  const isAbsolute = parts[0] === '' || /^[a-z]:/i.test(parts[0] ?? '');
  if (isAbsolute) return (parts.at(-1) ?? '').replace(/^[a-z]:/i, '');
  return parts.filter((part) => part !== '.' && part !== '').join('/');
}
