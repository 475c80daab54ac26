// Starts a command on Node 26, which runs its TypeScript as it is. Plain JavaScript, because any Node may land here.
import module from 'node:module';

const REQUIRED_MAJOR = 26;

/** @param {string} command @param {URL} main */
export async function launch(command, main) {
  if (Number(process.versions.node.split('.')[0]) >= REQUIRED_MAJOR) {
    module.enableCompileCache();
    await import('@guestkit/core/start/resolve-sources');
    await import(main.href);
  } else {
    const { runOnOwnNode } = await import('./run-again.js');
    runOnOwnNode(command, REQUIRED_MAJOR);
  }
}
