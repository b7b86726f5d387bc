import { Redirect, Route, Router, Switch } from 'wouter';
import { ServiceProvider } from './api/ServiceProvider.js';
import { KeysPage } from './keys/KeysPage.js';
import { Page } from './shell/Page.js';
import { Shell } from './shell/Shell.js';
import { useSession } from './signIn/session.js';
import { SignInPage } from './signIn/SignInPage.js';

/** The dashboard: the sign-in, or the pages of who is signed in. */
export function App() {
  const session = useSession();
  if (session.state === 'signedOut') return <SignInPage />;
  return (
    <ServiceProvider session={session}>
      <Router base="/dashboard">
        <Shell signOut={() => session.signOut()}>
          <Switch>
            <Route path="/keys" component={KeysPage} />
            <Route path="/">
              <Redirect to="/keys" replace />
            </Route>
            <Route>
              <Page title="No such page">The address leads nowhere. The list on the left has all pages.</Page>
            </Route>
          </Switch>
        </Shell>
      </Router>
    </ServiceProvider>
  );
}
