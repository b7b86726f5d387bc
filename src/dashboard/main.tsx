import '@mantine/core/styles.css';
import './dashboard.css';
import { MantineProvider } from '@mantine/core';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App.js';
import { styleNonce, tellNonce } from './nonce.js';
import { cssVariables, theme } from './theme.js';

tellNonce();
const root = document.querySelector('#root');
if (root === null) throw new Error('index.html has no element #root.');
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={styleNonce}
    >
      <App />
    </MantineProvider>
  </StrictMode>,
);
