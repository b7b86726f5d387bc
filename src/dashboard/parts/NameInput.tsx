import { TextInput } from '@mantine/core';
import type { ReactNode } from 'react';

interface NameInputProps {
  readonly value: string;
  readonly change: (name: string) => void;
  /** Default: no error. */
  readonly error?: ReactNode;
}

/** The input for the name of a key, a project or a user: 1 to 100 characters. */
export function NameInput({ value, change, error }: NameInputProps) {
  return (
    <TextInput
      label="Name"
      required
      autoComplete="off"
      data-autofocus
      value={value}
      error={error}
      onChange={(event) => change(event.currentTarget.value)}
    />
  );
}
