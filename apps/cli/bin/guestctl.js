#!/usr/bin/env node
import { launch } from './launch.js';

await launch('guestctl', new URL('../src/guestctl/main.ts', import.meta.url));
