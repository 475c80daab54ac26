// Serves an image by NBD until it is told to stop: `serve.ts IMAGE SOCKET`.
import { denyReferences, FileSource, openImage } from '@guestkit/disk';
import { serveImage } from '../../../packages/operations/src/nbd/serve.ts';

const [file = '', socketPath = ''] = process.argv.slice(2);
using source = FileSource.open(file);
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const server = await serveImage({
  image: openImage(source, { references: denyReferences }),
  socketPath,
  signal: stop.signal,
});
process.stdout.write('ready\n');
await server.closed;
