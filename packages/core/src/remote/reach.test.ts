import { expect, test } from 'vitest';
import { reachOf } from './reach.ts';

test.each([
  ['93.184.215.14', 'public'],
  ['172.15.255.255', 'public'],
  ['172.16.0.1', 'private'],
  ['127.0.0.1', 'private'],
  ['10.0.0.1', 'private'],
  ['100.64.0.1', 'private'],
  ['192.168.0.1', 'private'],
  ['0.0.0.0', 'never'],
  ['169.254.169.254', 'never'],
  ['100.100.100.200', 'never'],
  ['168.63.129.16', 'never'],
  ['192.0.0.192', 'never'],
  ['224.0.0.1', 'never'],
  ['255.255.255.255', 'never'],
  ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', 'public'],
  ['::1', 'private'],
  ['fd12:3456::1', 'private'],
  ['fd00:ec2::254', 'never'],
  ['::', 'never'],
  ['fe80::1', 'never'],
  ['fe80::1%eth0', 'never'],
  ['ff02::1', 'never'],
  ['2001:db8::1', 'never'],
  // IPv4 in other clothes: mapped, NAT64, local NAT64, 6to4, Teredo, compatible
  ['::ffff:169.254.169.254', 'never'],
  ['::ffff:a9fe:a9fe', 'never'],
  ['::ffff:10.0.0.1', 'private'],
  ['::ffff:93.184.215.14', 'public'],
  ['64:ff9b::a9fe:a9fe', 'never'],
  ['64:ff9b::7f00:1', 'private'],
  ['64:ff9b:1::a00:1', 'never'],
  ['2002:a9fe:a9fe::1', 'never'],
  ['2002:0a00:0001::', 'private'],
  ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'never'],
  ['::127.0.0.1', 'never'],
])('%s is %s', (address, reach) => {
  expect(reachOf(address)).toBe(reach);
});
