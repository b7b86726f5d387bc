/** Rows by name, in the order of a complete run and of the page. */
export const ROWS = [
  ...[
    'stack',
    'own',
    'refusals',
    'verification',
    'admission',
    'guard',
    'cost',
    'creation',
    'growth',
    'flood',
    'workers',
  ],
  ...['gateway', 'start'],
];
