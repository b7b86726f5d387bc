import type { ComboboxItem, OptionsFilter } from '@mantine/core';
import { fold } from '../../shared/text/fold.js';

/** Filters the options of a select as the API searches names: ignores case and Unicode composition. */
export const byName: OptionsFilter = ({ options, search }) => {
  const part = fold(search.trim());
  return options.filter((option): option is ComboboxItem => 'label' in option && fold(option.label).includes(part));
};
