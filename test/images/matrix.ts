import type { Content, MapRule, Recipe, Step } from './recipe.ts';

// The table of the matrix: every container, subformat, cluster size, compression and kind of chain, with contents and sizes that
// fit no unit. A line more is an image more.

const ODD = 1_049_088; // 1 MiB and a sector
const MORE = 3_000_832;
const SECRET = ['--object', 'secret,id=key,data=correct horse'];

interface Plan {
  readonly format: string;
  readonly options?: string;
  readonly flags?: readonly string[];
  readonly content?: Content;
  readonly sizeBytes?: number;
  readonly map?: MapRule;
  readonly after?: readonly Step[];
}

/** An image that `qemu-img convert` makes of a raw disk. */
function converted({
  format,
  options = '',
  flags = [],
  content = 'structured',
  sizeBytes = ODD,
  map = 'same',
  after = [],
}: Plan): Recipe {
  const settings = options === '' ? [] : ['-o', options];
  const name = [format, options, ...flags, content, sizeBytes].filter((part) => part !== '').join(' ');
  const step: Step = ['img', 'convert', ...flags, '-f', 'raw', '-O', format, ...settings, 'content.raw', 'image'];
  return { name, format, content, sizeBytes, map, steps: [step, ...after] };
}

/** An empty image, then written to here and there. */
function written(
  format: string,
  options: string,
  sizeBytes: number,
  commands: readonly string[],
  map: MapRule = 'same',
): Recipe {
  const settings = options === '' ? [] : ['-o', options];
  const steps: readonly Step[] = [
    ['img', 'create', '-q', '-f', format, ...settings, 'image', String(sizeBytes)],
    ['io', format, 'image', ...commands],
  ];
  return {
    name: `${format} ${options} written to here and there, ${sizeBytes}`,
    format,
    content: 'sparse',
    sizeBytes: 512,
    map,
    steps,
  };
}

const CONTENTS = [
  ['structured', MORE],
  ['random', ODD],
] as const;

const CLUSTERS = ['512', '4k', '16k', '64k', '512k', '2M'];
const COMPRESSIONS = [
  ['', []],
  ['', ['-c']],
  [',compression_type=zstd', ['-c']],
] as const;

const qcow2Clusters = CLUSTERS.flatMap((cluster) =>
  COMPRESSIONS.flatMap(([type, flags]) =>
    CONTENTS.map(([content, sizeBytes]) =>
      converted({ format: 'qcow2', options: `cluster_size=${cluster}${type}`, flags, content, sizeBytes }),
    ),
  ),
);

const qcow2Options = [
  ...['compat=0.10', 'compat=0.10,cluster_size=4k'].flatMap((options) =>
    [[], ['-c']].map((flags) => converted({ format: 'qcow2', options, flags, sizeBytes: MORE })),
  ),
  ...['cluster_size=16k', 'cluster_size=64k', 'cluster_size=2M'].flatMap((cluster) =>
    [[], ['-c']].map((flags) =>
      converted({ format: 'qcow2', options: `extended_l2=on,${cluster}`, flags, sizeBytes: MORE }),
    ),
  ),
  ...[
    'lazy_refcounts=on',
    'refcount_bits=1',
    'refcount_bits=8',
    'refcount_bits=64',
    'preallocation=metadata',
    'preallocation=falloc',
    'preallocation=full',
  ].map((options) => converted({ format: 'qcow2', options, sizeBytes: MORE })),
  ...[512, 1024, 65_536, 65_536 + 512].map((sizeBytes) => converted({ format: 'qcow2', content: 'random', sizeBytes })),
];

const SCATTERED = ['write -P 1 0 512', 'write -P 2 70k 3k', 'write -P 3 900k 700k', 'write -P 4 4990k 100k'];
const ZEROED = [
  'write -z 1M 300k',
  'write -z -u 2M 64k',
  'write -z 5000k 4k',
  'discard 1200k 128k',
  'write -c -P 6 6M 64k',
];
const ODD_TAIL = 8 * 2 ** 20 + 1536;

const qcow2Written = [
  ...['', 'cluster_size=512'].map((options) => written('qcow2', options, ODD_TAIL, [...SCATTERED, ...ZEROED])),
  // what is compressed is a whole cluster
  written('qcow2', 'cluster_size=2M', ODD_TAIL, [...SCATTERED, ...ZEROED.slice(0, -1)]),
  written('qcow2', 'compat=0.10', ODD_TAIL, SCATTERED),
  ...['extended_l2=on', 'extended_l2=on,cluster_size=16k'].map((options) =>
    written('qcow2', options, ODD_TAIL, [...SCATTERED, ...ZEROED]),
  ),
  ...['data_file=image.data', 'data_file=image.data,data_file_raw=on'].map((options) =>
    // what is not written of the data file is a hole of that file, which qemu sees and we do not
    written('qcow2', options, ODD_TAIL, SCATTERED, options.includes('raw') ? 'zeros' : 'same'),
  ),
];

const NO_STEPS: readonly Step[] = [];

/** Internal snapshots and bitmaps lie in the file and are no part of the disk. */
const qcow2Extras = [1, 2, 3].map((snapshots): Recipe => {
  const steps = Array.from({ length: snapshots }, (_, index): readonly Step[] => [
    ['img', 'snapshot', '-c', `snapshot ${index}`, 'image'],
    ['io', 'qcow2', 'image', `write -P ${index + 1} ${index * 100}k 150k`],
  ]);
  const bitmap: readonly Step[] =
    snapshots < 2 ? NO_STEPS : [['img', 'bitmap', '--add', '-g', '64k', 'image', 'changed']];
  const name = `qcow2 with ${snapshots} snapshots${bitmap.length > 0 ? ' and a bitmap' : ''}`;
  const base = converted({ format: 'qcow2', options: 'cluster_size=32k', sizeBytes: MORE });
  return { ...base, name, steps: [...base.steps, ...bitmap, ...steps.flat()] };
});

interface Link {
  readonly format: string;
  readonly options: string;
  /** Of the disk; that of the image below when left out. */
  readonly size?: string;
  readonly writes: readonly string[];
}

/** The bottom of a chain, and what lies on it, each on the one before. */
function chain(
  name: string,
  bottom: readonly [format: string, options: string, flags: readonly string[]],
  links: readonly Link[],
): Recipe {
  const [format, options, flags] = bottom;
  const settings = options === '' ? [] : ['-o', options];
  const steps: Step[] = [['img', 'convert', ...flags, '-f', 'raw', '-O', format, ...settings, 'content.raw', 'link0']];
  let below = format;
  for (const [index, link] of links.entries()) {
    const image = index === links.length - 1 ? 'image' : `link${index + 1}`;
    const how = link.options === '' ? [] : ['-o', link.options];
    const size = link.size === undefined ? [] : [link.size];
    steps.push(['img', 'create', '-q', '-f', link.format, '-b', `link${index}`, '-F', below, ...how, image, ...size]);
    if (link.writes.length > 0) steps.push(['io', link.format, image, ...link.writes]);
    below = link.format;
  }
  return { name: `chain: ${name}`, format: below, content: 'structured', sizeBytes: MORE, map: 'same', steps };
}

const OVER = ['write -P 7 100k 200k', 'write -z 1M 128k', 'write -P 8 2500k 3k'];
const TOP = ['write -P 9 150k 3k', 'write -z 110k 2k', 'write -P 10 2000k 70k'];
const link = (options: string, writes: readonly string[] = OVER, size?: string): Link => ({
  format: 'qcow2',
  options,
  writes,
  ...(size === undefined ? {} : { size }),
});

const chains = [
  ...['512', '4k', '64k', '2M'].flatMap((cluster) =>
    [undefined, '5000k', '1000k'].map((size) =>
      chain(
        `clusters of ${cluster} over 64k, ${size ?? 'as large'}`,
        ['qcow2', '', []],
        [link(`cluster_size=${cluster}`, size === '1000k' ? OVER.slice(0, 1) : OVER, size)],
      ),
    ),
  ),
  chain(
    'three, smaller clusters each',
    ['qcow2', 'cluster_size=2M', []],
    [link('cluster_size=64k'), link('cluster_size=512', TOP)],
  ),
  chain(
    'three, larger clusters each',
    ['qcow2', 'cluster_size=512', ['-c']],
    [link('cluster_size=64k'), link('cluster_size=2M', TOP)],
  ),
  chain(
    'four, of all kinds',
    ['qcow2', 'compression_type=zstd', ['-c']],
    [
      link('cluster_size=4k'),
      link('extended_l2=on', ['write -z 90k 8k', 'write -P 3 1100k 5k']),
      link('compat=0.10', ['write -P 11 0 100k']),
    ],
  ),
  chain('short in the middle', ['qcow2', '', []], [link('', OVER.slice(0, 1), '900k'), link('', TOP, '4M')]),
  chain('extended L2 over compressed', ['qcow2', '', ['-c']], [link('extended_l2=on', TOP)]),
  chain('over VMDK', ['vmdk', '', []], [link('', TOP)]),
  chain('over VDI', ['vdi', '', []], [link('', TOP)]),
  chain('over VHD', ['vpc', 'force_size=on', []], [link('', TOP)]),
  chain('VMDK over VMDK', ['vmdk', '', []], [{ format: 'vmdk', options: '', writes: TOP.slice(0, 1) }]),
  chain(
    'VMDK over VMDK over VMDK',
    ['vmdk', '', []],
    [
      { format: 'vmdk', options: 'zeroed_grain=on', writes: OVER },
      { format: 'vmdk', options: '', writes: ['write -P 9 150k 3k'] },
    ],
  ),
];

const encrypted = ['', 'cluster_size=4k,'].map((options): Recipe => {
  const how = `${options}encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10`;
  return {
    name: `qcow2 ${options} encrypted with LUKS`,
    format: 'qcow2',
    content: 'structured',
    sizeBytes: MORE,
    map: 'same',
    open: 'driver=qcow2,encrypt.key-secret=key,file.filename=image',
    steps: [['img', 'convert', ...SECRET, '-f', 'raw', '-O', 'qcow2', '-o', how, 'content.raw', 'image']],
  };
});

const luks = [
  'cipher-alg=aes-256,cipher-mode=xts',
  'cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=sha256',
].map(
  (options): Recipe => ({
    name: `LUKS ${options}`,
    format: 'luks',
    content: 'random',
    sizeBytes: ODD,
    map: 'same',
    open: 'driver=luks,key-secret=key,file.filename=image',
    steps: [
      [
        'img',
        'convert',
        ...SECRET,
        '-f',
        'raw',
        '-O',
        'luks',
        '-o',
        `key-secret=key,iter-time=10,${options}`,
        'content.raw',
        'image',
      ],
      ['dense', 'image'],
    ],
  }),
);

const vmdk = [
  ...['monolithicSparse', 'streamOptimized', 'twoGbMaxExtentSparse'].flatMap((subformat) =>
    [...CONTENTS, ['random', 512] as const].map(([content, sizeBytes]) =>
      converted({ format: 'vmdk', options: `subformat=${subformat}`, content, sizeBytes }),
    ),
  ),
  ...[
    ['monolithicFlat', 'image-flat'],
    ['twoGbMaxExtentFlat', 'image-f001'],
  ].flatMap(([subformat, flat = '']) =>
    CONTENTS.map(([content, sizeBytes]) =>
      converted({ format: 'vmdk', options: `subformat=${subformat}`, content, sizeBytes, after: [['dense', flat]] }),
    ),
  ),
  ...['zeroed_grain=on', 'zeroed_grain=on,adapter_type=lsilogic,compat6=on', ''].map((options) =>
    written('vmdk', options, ODD_TAIL, [...SCATTERED, ...(options === '' ? [] : ['write -z 1M 512k'])]),
  ),
  ...(['cowd', 'sesparse', 'stream'] as const).map((builder): Recipe => {
    return {
      name: `vmdk ${builder}, made by hand`,
      format: 'vmdk',
      content: 'sparse',
      sizeBytes: 512,
      map: 'same',
      steps: [['make', builder]],
    };
  }),
];

const vhd = ['dynamic', 'fixed'].flatMap((subformat) =>
  ['on', 'off'].flatMap((force) =>
    CONTENTS.map(([content, sizeBytes]) => {
      const options = `subformat=${subformat},force_size=${force}`;
      return converted({
        format: 'vpc',
        options,
        content,
        sizeBytes,
        after: subformat === 'fixed' ? [['dense', 'image']] : [],
      });
    }),
  ),
);

/** qemu maps every VHDX as data throughout. */
const vhdx = [
  'subformat=dynamic',
  'subformat=dynamic,block_state_zero=off',
  'subformat=dynamic,block_size=1M',
  'subformat=dynamic,block_size=2M,log_size=2M',
  'subformat=fixed',
  'subformat=fixed,block_size=1M',
].flatMap((options) =>
  CONTENTS.map(([content, sizeBytes]) => converted({ format: 'vhdx', options, content, sizeBytes, map: 'zeros' })),
);

const others = [
  ...['off', 'on'].flatMap((isStatic) =>
    CONTENTS.map(([content, sizeBytes]) =>
      converted({
        format: 'vdi',
        options: `static=${isStatic}`,
        content,
        sizeBytes,
        after: isStatic === 'on' ? [['dense', 'image']] : [],
      }),
    ),
  ),
  written('vdi', '', ODD_TAIL, [...SCATTERED, 'write -z 3M 2M']),
  written('vpc', 'force_size=on', ODD_TAIL, SCATTERED),
  written('vhdx', 'block_size=1M,block_state_zero=off', ODD_TAIL, SCATTERED, 'zeros'),
  ...['4k', '64k', '1M'].flatMap((cluster) =>
    CONTENTS.map(([content, sizeBytes]) =>
      converted({ format: 'parallels', options: `cluster_size=${cluster}`, content, sizeBytes }),
    ),
  ),
  written('parallels', '', ODD_TAIL, SCATTERED),
  ...[1, 511, 512, ODD + 1, MORE + 300].map(
    (sizeBytes): Recipe => ({
      name: `raw of ${sizeBytes} bytes`,
      format: 'raw',
      content: 'random',
      sizeBytes,
      map: 'same',
      steps: [['dense', 'content.raw']],
    }),
  ),
];

export const MATRIX: readonly Recipe[] = [
  ...qcow2Clusters,
  ...qcow2Options,
  ...qcow2Written,
  ...qcow2Extras,
  ...chains,
  ...encrypted,
  ...luks,
  ...vmdk,
  ...vhd,
  ...vhdx,
  ...others,
];
