// Gives up for good what the process could still do once its code is loaded. The permission model already refuses new
// processes, threads, sockets and add-ons; the supervisor lowers the limits of the process from outside (see server/seal.ts).

export const NOBODY = 65534;
const FORBIDDEN = ['fs.read', 'fs.write', 'net', 'child', 'worker', 'addon', 'wasi', 'inspector', 'ffi'] as const;

/** @throws Error when the process would still be allowed anything */
export function confine({ asNobody }: { readonly asNobody: boolean }): void {
  if (asNobody) leaveRoot();
  removeSignalSenders();
  dropFiles();
}

/** Where setpriv did not already: the code may be readable by root alone. */
function leaveRoot(): void {
  if (process.getuid?.() !== 0) return;
  process.setgroups?.([]);
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
}

/** The permission model does not cover signals: where the worker is no root, it and the jail are the same user. */
function removeSignalSenders(): void {
  for (const name of ['kill', '_kill', '_debugProcess', '_debugEnd']) {
    Reflect.deleteProperty(process, name);
  }
}

function dropFiles(): void {
  const { permission } = process;
  if (permission === undefined) throw new Error('Cannot confine this process: it runs without the permission model');
  permission.drop('fs');
  const left = FORBIDDEN.filter((scope) => permission.has(scope));
  if (left.length > 0) throw new Error(`Cannot confine this process: it is still allowed ${left.join(', ')}`);
}
