import { printable } from './printable.ts';

/** One column of a table for people. */
export interface Column<Row> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  cell(row: Row): string | number | null | undefined;
}

/** Renders rows under their titles, one line each; cells are made printable, absent ones show as `-`. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => cellText(column.cell(row)))),
  ];
  const widths = columns.map((_, index) =>
    lines.reduce((widest, line) => Math.max(widest, line[index]?.length ?? 0), 0),
  );
  const render = (line: readonly string[]) =>
    line.map((cell, index) => pad(cell, widths[index] ?? 0, columns[index])).join('  ');
  return `${lines.map((line) => render(line).trimEnd()).join('\n')}\n`;
}

function cellText(value: string | number | null | undefined): string {
  return value === null || value === undefined || value === '' ? '-' : printable(String(value));
}

function pad<Row>(cell: string, width: number, column: Column<Row> | undefined): string {
  return column?.align === 'right' ? cell.padStart(width) : cell.padEnd(width);
}
