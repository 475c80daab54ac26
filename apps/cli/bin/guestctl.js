#!/usr/bin/env node
import './young-generation.js';
import { launch } from './launch.js';

await launch('guestctl', new URL('../src/guestctl/main.ts', import.meta.url));
