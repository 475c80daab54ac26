import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, symlinkSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Names and links of all lengths, devices in the encoding of XFS, and times at both ends of what it keeps. */
export function fillWithSpecials(folder: string): void {
  const at = (name: string) => path.join(folder, name);
  for (const length of [1, 100, 335, 336, 337, 900, 1022]) symlinkSync('t'.repeat(length), at(`target-of-${length}`));
  execFileSync('mknod', [at('tty'), 'c', '4', '64']);
  execFileSync('mknod', [at('disk'), 'b', '259', '200000']);
  execFileSync('python3', ['-c', `import socket; socket.socket(socket.AF_UNIX).bind('socket')`], { cwd: folder });
  writeFileSync(at('past'), '');
  utimesSync(at('past'), -2_000_000_000, -2_000_000_000);
  writeFileSync(at('future'), '');
  utimesSync(at('future'), 2_100_000_000, 2_100_000_000.5);
  execFileSync('chown', ['70000:4000000000', at('future')]);
}

/** Folders from one that fits into its inode to one whose hashes need a tree, with gaps where names were removed. */
export function fillWithFolders(folder: string): void {
  for (const count of [0, 1, 8, 20, 40, 150, 700]) {
    const inner = path.join(folder, `of-${count}`);
    mkdirSync(inner);
    for (let index = 0; index < count; index++) writeFileSync(path.join(inner, `a-name-of-${index}`), '');
  }
  const emptied = path.join(folder, 'of-700');
  // most of a block and more in a row, so that whole blocks become holes; elsewhere every third
  for (let index = 0; index < 700; index++) {
    if (index % 3 === 0 || (index > 200 && index < 500)) rmSync(path.join(emptied, `a-name-of-${index}`));
  }
  writeFileSync(path.join(emptied, 'n'.repeat(255)), 'long');
}

/** Files with few and with many extents, holes, ranges that were never written, and blocks of another file. */
export function fillWithExtents(folder: string): void {
  const at = (name: string) => path.join(folder, name);
  writePieces(at('fragmented'), 200, 8192);
  writePieces(at('far'), 3, 7_000_000);
  xfsIo(at('reserved'), 'falloc 0 300k', 'pwrite -q -S 0x61 100k 10k', 'falloc -k 300k 1m');
  xfsIo(at('punched'), 'pwrite -q -S 0x62 0 500k', 'fpunch 64k 64k', 'fzero 200k 100k', 'truncate 450001');
  xfsIo(at('only-reserved'), 'falloc 0 100k');
  xfsIo(at('only-hole'), 'truncate 3m');
  // where there is no reflink, it is copied
  execFileSync('cp', ['--reflink=auto', at('punched'), at('cloned')]);
  xfsIo(at('cloned'), 'pwrite -q -S 0x63 10k 5k');
}

/** A file that is a hole but for a few bytes at every step. */
function writePieces(file: string, count: number, step: number): void {
  const fd = openSync(file, 'w');
  for (let index = 0; index < count; index++) writeSync(fd, `piece ${index}`, index * step);
  closeSync(fd);
}

function xfsIo(file: string, ...commands: readonly string[]): void {
  execFileSync('xfs_io', ['-f', ...commands.flatMap((command) => ['-c', command]), file], { stdio: 'pipe' });
}

/** Attributes from one that fits into its inode to so many that they need a tree, large values, and access lists. */
export function fillWithAttributes(folder: string): void {
  execFileSync('python3', ['-c', ATTRIBUTES], { cwd: folder });
  execFileSync('setfacl', ['-m', 'u:1000:rwx,g:5:r,o::x', 'small'], { cwd: folder });
  execFileSync('setfacl', ['-d', '-m', 'u:7:x', 'folder'], { cwd: folder });
}

const ATTRIBUTES = `
import os
def make(name, count, size):
  open(name, 'w').close()
  for index in range(count):
    os.setxattr(name, 'user.name-%d' % index, b'%d,' % index * (size * (index % 7)))
make('small', 1, 0)
make('leaf', 10, 20)
make('tree', 400, 30)
for index in range(0, 400, 5): os.removexattr('tree', 'user.name-%d' % index)
make('large', 1, 0)
for size in (1000, 4000, 4040, 4041, 8100, 65536): os.setxattr('large', 'user.of-%d' % size, os.urandom(size))
os.mkdir('folder')
os.setxattr('folder', 'trusted.note', b'')
os.setxattr('folder', 'security.selinux', b'system_u:object_r:etc_t:s0\\0')
os.symlink('x', 'link')
os.setxattr('link', 'security.selinux', b'a link', follow_symlinks=False)
`;
