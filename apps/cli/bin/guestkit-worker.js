#!/usr/bin/env node
import { launch } from './launch.js';

await launch('guestkit-worker', new URL('../src/cluster/main.ts', import.meta.url));
