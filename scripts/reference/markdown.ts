/** Returns the first lines of a page. They say that it is generated, so that nobody edits it by hand. */
export function head(title: string, source: string): string {
  return `# ${title}\n\nMade from ${source} by \`npm run reference\`.\n`;
}

export function code(text: string): string {
  return `\`${text}\``;
}

/** Returns a table without its empty columns. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const used = header.map((_, i) => i === 0 || rows.some((row) => row[i] !== ''));
  const line = (cells: readonly string[]): string => {
    const shown = cells.filter((_, i) => used[i]).map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' '));
    return `| ${shown.join(' | ')} |`;
  };
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n') + '\n';
}

/** Returns a link from a page of docs/reference/ to a page of docs/; an empty string if there is none. */
export function seePage(page: string | undefined): string {
  if (page === undefined) return '';
  const name = page.replace(/#.*/, '').replace(/^.*\//, '');
  return ` ([${name}](${`../${page}`.replace('../reference/', '')}))`;
}
