import {
  createTheme,
  defaultVariantColorsResolver,
  type CSSVariablesResolver,
  type MantineColorsTuple,
  type VariantColorsResolver,
} from '@mantine/core';

const pine: MantineColorsTuple = [
  '#ecf8f4',
  '#d9eee7',
  '#afdccd',
  '#82c9b2',
  '#5eb99c',
  '#47af8d',
  '#349a79',
  '#238066',
  '#1c6b5a',
  '#115243',
];

/**
 * Mantine's text on a tinted background has less contrast than the 4.5 to 1 required by WCAG 1.4.3, especially on
 * yellow.
 */
const variantColorResolver: VariantColorsResolver = (input) => {
  const colors = defaultVariantColorsResolver(input);
  if (input.variant !== 'light') return colors;
  const color = input.color ?? input.theme.primaryColor;
  const ofColor = (shade: number) => `var(--mantine-color-${color}-${shade})`;
  return {
    ...colors,
    color: `light-dark(color-mix(in srgb, ${ofColor(9)}, black 35%), ${ofColor(2)})`,
  };
};

export const theme = createTheme({
  primaryColor: 'pine',
  // White text on this shade has a contrast above 4.5 to 1 for every colour of a button.
  primaryShade: 8,
  colors: { pine },
  variantColorResolver,
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  headings: { fontWeight: '600' },
  components: {
    Badge: { defaultProps: { variant: 'light', radius: 'sm', tt: 'none', fw: 500 } },
    Alert: { defaultProps: { variant: 'light' } },
    // Mantine lets code scroll, which the keyboard could not reach: short texts in a row wrap instead.
    Code: { styles: { root: { overflow: 'visible', overflowWrap: 'anywhere' } } },
    NavLink: { styles: { root: { borderRadius: 'var(--mantine-radius-md)' } } },
    Modal: { defaultProps: { centered: true }, styles: { title: { fontWeight: 600, overflowWrap: 'anywhere' } } },
    Table: { defaultProps: { verticalSpacing: 'xs', highlightOnHover: true } },
  },
});

/**
 * Mantine's dimmed text and errors have too little contrast in small type (see {@link variantColorResolver}). The colours of added and
 * removed items are defined here because the build replaces `light-dark()` in style sheets by variables that are never set.
 */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': 'var(--mantine-color-gray-7)',
    '--mantine-color-placeholder': 'var(--mantine-color-gray-7)',
    '--mantine-color-error': 'var(--mantine-color-red-9)',
    '--mantine-color-anchor': 'var(--mantine-color-pine-8)',
    '--latchkey-added': 'var(--mantine-color-pine-1)',
    '--latchkey-removed': 'var(--mantine-color-red-1)',
  },
  dark: {
    '--mantine-color-dimmed': 'var(--mantine-color-dark-1)',
    '--mantine-color-placeholder': 'var(--mantine-color-dark-1)',
    '--mantine-color-error': 'var(--mantine-color-red-4)',
    '--mantine-color-anchor': 'var(--mantine-color-pine-3)',
    '--latchkey-added': 'var(--mantine-color-pine-9)',
    '--latchkey-removed': '#5c2424',
  },
});
