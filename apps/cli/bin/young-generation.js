import v8 from 'node:v8';

// What a walk makes lives briefly. Left alone, V8 doubles the space for new objects whenever much of it is in use, up to some 60 MiB.
v8.setFlagsFromString('--semi-space-growth-factor=1');
