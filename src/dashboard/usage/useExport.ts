import { CombinedError } from '@urql/core';
import { useState } from 'react';
import { useClient } from 'urql';
import { faultOf, type Fault } from '../api/apiFault.js';
import { UsageExportDocument, type UsageExportQueryVariables } from '../generated/graphql.js';

type Asked = Omit<UsageExportQueryVariables, 'after'>;

/** The state of an export. */
interface Export {
  readonly running: boolean;
  readonly fault: Fault | null;
  readonly save: (asked: Asked, fileName: string) => void;
}

/** Reads all pages of an export, and saves them as one file. */
export function useExport(): Export {
  const client = useClient();
  const [running, setRunning] = useState(false);
  const [fault, setFault] = useState<Fault | null>(null);

  const textOf = async (asked: Asked): Promise<string[]> => {
    const texts: string[] = [];
    for (let after: string | null = null; ;) {
      const variables: UsageExportQueryVariables = { ...asked, after };
      const { data, error } = await client
        .query(UsageExportDocument, variables, { requestPolicy: 'network-only' })
        .toPromise();
      const page = data?.usageExport;
      if (page == null) throw error ?? new CombinedError({});
      texts.push(page.text);
      if (!page.hasNextPage || page.endCursor === null || page.endCursor === after) return texts;
      after = page.endCursor;
    }
  };

  const save = async (asked: Asked, fileName: string): Promise<void> => {
    setRunning(true);
    setFault(null);
    try {
      saveAs(new Blob(await textOf(asked), { type: 'text/csv' }), fileName);
    } catch (error) {
      setFault(faultOf(error instanceof CombinedError ? error : new CombinedError({})));
    }
    setRunning(false);
  };
  return { running, fault, save: (asked, fileName) => void save(asked, fileName) };
}

function saveAs(content: Blob, fileName: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = fileName;
  link.click();
  URL.revokeObjectURL(link.href);
}
