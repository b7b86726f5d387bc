// Lists refused keys with the reasons, and invalid credentials. Needs an admin key. The audit log is up to a minute behind.
//   node examples/configured-keys/refused.js
import { ask, main } from '../shared/client.js';

await main(async () => {
  const { auditLog, apiKeys } = await ask(`{
    auditLog(first: 100, filter: { actions: [KEY_REFUSED, CREDENTIAL_REFUSED] }) { nodes { action subject after } }
    apiKeys(first: 100) { nodes { id name } }
  }`);
  const names = new Map(apiKeys.nodes.map(({ id, name }) => [id, name]));
  for (const { action, subject, after } of auditLog.nodes) {
    const who = action === 'KEY_REFUSED' ? (names.get(subject) ?? subject) : 'no valid key';
    const counts = Object.entries(after).filter(([reason]) => reason !== 'since' && reason !== 'addresses');
    console.log(`${who}: ${counts.map(([reason, times]) => `${reason} ${times}`).join(', ')}`);
  }
});
