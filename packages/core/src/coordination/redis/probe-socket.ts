import { once } from 'node:events';
import { connect } from 'node:net';

const ANSWER_TIMEOUT_MS = 2_000;

/** What is behind a unix socket: a Redis that answers, one that cannot yet (it reads its files), or none. */
export async function probeSocket(socket: string): Promise<'ready' | 'busy' | 'absent'> {
  const connection = connect(socket);
  connection.on('error', () => {});
  try {
    await once(connection, 'connect');
  } catch {
    return 'absent';
  }
  try {
    connection.write('PING\r\n');
    const [answer] = await once(connection, 'data', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    return String(answer).startsWith('+PONG') ? 'ready' : 'busy';
  } catch {
    return 'busy';
  } finally {
    connection.destroy();
  }
}
