import { lazy, Suspense } from 'react';
import { Redirect, Route, Router, Switch } from 'wouter';
import { ServiceProvider } from './api/ServiceProvider.js';
import { IssuedKeys } from './issued/IssuedKeys.js';
import { KeysPage } from './keys/KeysPage.js';
import { Outline } from './parts/Asking.js';
import { BASE } from './place.js';
import { Breakdown } from './shell/Breakdown.js';
import { Page } from './shell/Page.js';
import { Shell } from './shell/Shell.js';
import { useSession } from './signIn/session.js';
import { SignInPage } from './signIn/SignInPage.js';

const AuditPage = lazy(() => import('./audit/AuditPage.js'));
const CreateKeyPage = lazy(() => import('./keys/CreateKeyPage.js'));
const EventsPage = lazy(() => import('./events/EventsPage.js'));
const KeyPage = lazy(() => import('./keys/KeyPage.js'));
const LimitsPage = lazy(() => import('./limits/LimitsPage.js'));
const UsagePage = lazy(() => import('./usage/UsagePage.js'));
const WorkspacePage = lazy(() => import('./workspace/WorkspacePage.js'));

/** Shows the pages of the dashboard, or the sign-in page to those who are not signed in. */
export function App() {
  return (
    <IssuedKeys>
      <Pages />
    </IssuedKeys>
  );
}

function Pages() {
  const session = useSession();
  if (session.state === 'signedOut') return <SignInPage />;
  return (
    <ServiceProvider session={session}>
      <Router base={BASE.slice(0, -1)}>
        <Shell signOut={() => session.signOut()}>
          <Breakdown>
            <Suspense fallback={<Outline />}>
              <Routes />
            </Suspense>
          </Breakdown>
        </Shell>
      </Router>
    </ServiceProvider>
  );
}

function Routes() {
  return (
    <Switch>
      <Route path="/keys" component={KeysPage} />
      <Route path="/keys/new" component={CreateKeyPage} />
      <Route path="/keys/:id">{({ id }) => <KeyPage key={id} id={id} />}</Route>
      <Route path="/workspace" component={WorkspacePage} />
      <Route path="/limits" component={LimitsPage} />
      <Route path="/usage" component={UsagePage} />
      <Route path="/audit" component={AuditPage} />
      <Route path="/events" component={EventsPage} />
      <Route path="/">
        <Redirect to="/keys" replace />
      </Route>
      <Route>
        <Page title="Page not found">There is no page at this address. Choose one from the menu.</Page>
      </Route>
    </Switch>
  );
}
