/** A page's first lines: it is made, so that nobody mends it by hand. */
export function head(title: string, source: string): string {
  return `# ${title}\n\nMade from ${source} by \`npm run reference\`.\n`;
}

export function code(text: string): string {
  return `\`${text}\``;
}

/** A table, without columns that are empty throughout. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const used = header.map((_, i) => i === 0 || rows.some((row) => row[i] !== ''));
  const line = (cells: readonly string[]): string => {
    const shown = cells.filter((_, i) => used[i]).map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' '));
    return `| ${shown.join(' | ')} |`;
  };
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n') + '\n';
}

/** A link to a page of docs/ from one of docs/reference/; nothing where there is none. */
export function seePage(page: string | undefined): string {
  return page === undefined ? '' : ` ([${page.replace(/#.*/, '')}](../${page}))`;
}
