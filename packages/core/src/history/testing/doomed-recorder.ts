import { connectRedis } from '../../coordination/redis/connection.ts';
import { RedisEventStream } from '../../coordination/redis/event-stream.ts';
import { startRecorder } from '../recorder.ts';
import { openSqliteHistory } from '../sqlite/open.ts';

// A recorder in a process of its own, which stops at a moment that is told to the parent, who then kills it.

const [url = '', prefix = '', file = '', moment = ''] = process.argv.slice(2);
const connection = await connectRedis(url, { role: 'client' });
const history = await openSqliteHistory({ file });
const record = history.record.bind(history);
const standStill = () => {
  process.send?.(moment);
  return new Promise<never>(() => {});
};
startRecorder({
  stream: new RedisEventStream({ connection, prefix }),
  history: Object.assign(history, {
    async record(events: Parameters<typeof record>[0]) {
      if (moment === 'read') await standStill();
      await record(events);
      await standStill();
    },
  }),
  consumer: 'doomed',
  onError: (error) => {
    throw error;
  },
});
