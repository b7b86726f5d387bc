import type { Column } from '../store/demoRecords.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** An asset of the example warehouse. Durations are in ms. */
interface ExampleAsset {
  readonly name: string;
  readonly description: string;
  readonly owner: string;
  readonly allowedAge: number;
  readonly upstream: readonly string[];
  readonly columns: readonly Column[];
  /** How long ago its last load ended; null if it was never loaded. */
  readonly loadedAgo: number | null;
  readonly rows: number;
}

interface Facts {
  readonly about: string;
  readonly owner: string;
  readonly every: number;
  readonly from?: string;
  /** `name:type` with spaces between. */
  readonly columns: string;
  readonly ago: number | null;
  readonly rows: number;
}

function asset(name: string, { about, owner, every, from = '', columns, ago, rows }: Facts): ExampleAsset {
  return {
    name,
    description: about,
    owner,
    allowedAge: every,
    upstream: words(from),
    columns: columnsOf(columns),
    loadedAgo: ago,
    rows,
  };
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}

function columnsOf(text: string): Column[] {
  return words(text).map((word) => {
    const colon = word.indexOf(':');
    return { name: word.slice(0, colon), type: word.slice(colon + 1) };
  });
}

const PLATFORM = 'data-platform@example.com';
const FINANCE = 'finance-analytics@example.com';
const GROWTH = 'growth-analytics@example.com';
const SUPPORT = 'support-operations@example.com';

/**
 * An online shop's warehouse, from raw to staging to marts. It has intentional problems: the web events stopped two
 * days ago, so the assets made from them are also old; support tickets are late; one mart was never built; one upstream
 * of the margins is not registered.
 */
export const WAREHOUSE: readonly ExampleAsset[] = [
  asset('raw.shop.orders', {
    about: 'Orders as the shop database has them, copied every 15 minutes.',
    owner: PLATFORM,
    every: HOUR,
    columns:
      'order_id:bigint customer_id:bigint status:varchar(20) currency:char(3) total:numeric(12,2) created_at:timestamptz updated_at:timestamptz',
    ago: 8 * MINUTE,
    rows: 1_284,
  }),
  asset('raw.shop.order_items', {
    about: 'Lines of orders, copied every 15 minutes.',
    owner: PLATFORM,
    every: HOUR,
    columns: 'order_id:bigint line:integer product_id:bigint quantity:integer unit_price:numeric(10,2)',
    ago: 8 * MINUTE,
    rows: 3_911,
  }),
  asset('raw.shop.customers', {
    about: 'Customers of the shop. Contains personal data.',
    owner: PLATFORM,
    every: 6 * HOUR,
    columns: 'customer_id:bigint email:varchar(320) country:char(2) created_at:timestamptz deleted_at:timestamptz',
    ago: 2 * HOUR,
    rows: 642,
  }),
  asset('raw.shop.products', {
    about: 'The catalogue, copied whole each night.',
    owner: PLATFORM,
    every: 26 * HOUR,
    columns:
      'product_id:bigint sku:varchar(40) title:text category:varchar(80) list_price:numeric(10,2) active:boolean',
    ago: 9 * HOUR,
    rows: 18_405,
  }),
  asset('raw.payments.charges', {
    about: "Charges from the payment provider's export.",
    owner: FINANCE,
    every: 2 * HOUR,
    columns:
      'charge_id:varchar(40) order_id:bigint amount:bigint currency:char(3) outcome:varchar(20) charged_at:timestamptz',
    ago: 35 * MINUTE,
    rows: 1_197,
  }),
  asset('raw.payments.refunds', {
    about: "Refunds from the payment provider's export.",
    owner: FINANCE,
    every: 2 * HOUR,
    columns: 'refund_id:varchar(40) charge_id:varchar(40) amount:bigint reason:varchar(80) refunded_at:timestamptz',
    ago: 35 * MINUTE,
    rows: 58,
  }),
  asset('raw.web.events', {
    about: 'Page views and clicks from the collector.',
    owner: GROWTH,
    every: HOUR,
    columns:
      'event_id:uuid session_id:uuid customer_id:bigint name:varchar(60) url:text properties:jsonb sent_at:timestamptz',
    ago: 2 * DAY + 3 * HOUR,
    rows: 96_230,
  }),
  asset('raw.crm.accounts', {
    about: 'Business accounts from the CRM, each night.',
    owner: GROWTH,
    every: 26 * HOUR,
    columns: 'account_id:varchar(18) name:text segment:varchar(40) owner_email:varchar(320) closed_won_at:date',
    ago: 11 * HOUR,
    rows: 2_310,
  }),
  asset('raw.support.tickets', {
    about: 'Tickets from the help desk, every two hours.',
    owner: SUPPORT,
    every: 4 * HOUR,
    columns:
      'ticket_id:bigint customer_id:bigint channel:varchar(20) priority:smallint opened_at:timestamptz solved_at:timestamptz',
    ago: 7 * HOUR,
    rows: 204,
  }),
  asset('raw.ads.spend', {
    about: 'Spend by campaign and day, from three advertising platforms.',
    owner: GROWTH,
    every: 26 * HOUR,
    columns:
      'platform:varchar(20) campaign_id:varchar(40) day:date impressions:bigint clicks:bigint spend:numeric(12,2)',
    ago: 5 * HOUR,
    rows: 771,
  }),
  asset('staging.orders', {
    about: 'One row for each order, cancelled ones marked, amounts in euros.',
    owner: PLATFORM,
    every: 2 * HOUR,
    from: 'raw.shop.orders',
    columns: 'order_id:bigint customer_id:bigint status:varchar(20) total_eur:numeric(12,2) ordered_at:timestamptz',
    ago: 22 * MINUTE,
    rows: 1_284,
  }),
  asset('staging.order_items', {
    about: 'Lines of orders with their product.',
    owner: PLATFORM,
    every: 2 * HOUR,
    from: 'raw.shop.order_items raw.shop.products',
    columns:
      'order_id:bigint line:integer product_id:bigint category:varchar(80) quantity:integer revenue_eur:numeric(12,2)',
    ago: 22 * MINUTE,
    rows: 3_911,
  }),
  asset('staging.customers', {
    about: 'Customers without their personal data.',
    owner: PLATFORM,
    every: 8 * HOUR,
    from: 'raw.shop.customers raw.crm.accounts',
    columns: 'customer_id:bigint country:char(2) segment:varchar(40) first_seen_on:date is_business:boolean',
    ago: 95 * MINUTE,
    rows: 40_118,
  }),
  asset('staging.products', {
    about: 'The catalogue with categories cleaned up.',
    owner: PLATFORM,
    every: 26 * HOUR,
    from: 'raw.shop.products',
    columns: 'product_id:bigint sku:varchar(40) title:text category:varchar(80) list_price_eur:numeric(10,2)',
    ago: 8 * HOUR,
    rows: 17_962,
  }),
  asset('staging.payments', {
    about: 'Charges less refunds, by order.',
    owner: FINANCE,
    every: 4 * HOUR,
    from: 'raw.payments.charges raw.payments.refunds',
    columns: 'order_id:bigint charged_eur:numeric(12,2) refunded_eur:numeric(12,2) settled_on:date',
    ago: 50 * MINUTE,
    rows: 1_255,
  }),
  asset('staging.sessions', {
    about: 'Visits, made from events with a gap of 30 minutes.',
    owner: GROWTH,
    every: 4 * HOUR,
    from: 'raw.web.events',
    columns: 'session_id:uuid customer_id:bigint started_at:timestamptz pages:integer campaign_id:varchar(40)',
    ago: 2 * DAY + 2 * HOUR,
    rows: 8_140,
  }),
  asset('staging.tickets', {
    about: 'Tickets with time to solution.',
    owner: SUPPORT,
    every: 12 * HOUR,
    from: 'raw.support.tickets',
    columns: 'ticket_id:bigint customer_id:bigint priority:smallint opened_at:timestamptz hours_to_solve:numeric(8,2)',
    ago: 6 * HOUR,
    rows: 204,
  }),
  asset('staging.ad_spend', {
    about: 'Spend in euros by campaign and day.',
    owner: GROWTH,
    every: 26 * HOUR,
    from: 'raw.ads.spend',
    columns: 'campaign_id:varchar(40) day:date clicks:bigint spend_eur:numeric(12,2)',
    ago: 4 * HOUR,
    rows: 771,
  }),
  asset('marts.orders', {
    about: 'Orders with lines and payment: where every report on sales begins.',
    owner: FINANCE,
    every: 4 * HOUR,
    from: 'staging.orders staging.order_items staging.payments',
    columns:
      'order_id:bigint customer_id:bigint ordered_on:date lines:integer revenue_eur:numeric(12,2) paid_eur:numeric(12,2)',
    ago: 40 * MINUTE,
    rows: 1_284,
  }),
  asset('marts.revenue_daily', {
    about: 'Revenue by day and country, as the board sees it.',
    owner: FINANCE,
    every: DAY,
    from: 'marts.orders staging.customers',
    columns: 'day:date country:char(2) orders:integer revenue_eur:numeric(14,2) refunds_eur:numeric(14,2)',
    ago: 3 * HOUR,
    rows: 31,
  }),
  asset('marts.customer_lifetime', {
    about: 'Total revenue of each customer.',
    owner: GROWTH,
    every: DAY,
    from: 'marts.orders staging.customers staging.tickets',
    columns: 'customer_id:bigint orders:integer revenue_eur:numeric(14,2) tickets:integer last_order_on:date',
    ago: 3 * HOUR,
    rows: 40_118,
  }),
  asset('marts.product_margin', {
    about: 'Margin by product and month. Costs come from a spreadsheet of the buyers.',
    owner: FINANCE,
    every: 7 * DAY,
    from: 'staging.order_items staging.products sheets.buying.costs',
    columns: 'product_id:bigint month:date revenue_eur:numeric(14,2) cost_eur:numeric(14,2) margin:numeric(6,4)',
    ago: 4 * DAY,
    rows: 15_220,
  }),
  asset('marts.marketing_attribution', {
    about: 'Orders credited to campaigns by last touch.',
    owner: GROWTH,
    every: DAY,
    from: 'marts.orders staging.sessions staging.ad_spend',
    columns:
      'campaign_id:varchar(40) day:date sessions:integer orders:integer revenue_eur:numeric(14,2) spend_eur:numeric(12,2)',
    ago: 2 * DAY + HOUR,
    rows: 118,
  }),
  asset('marts.support_load', {
    about: 'Tickets by day and channel, with the time to solution.',
    owner: SUPPORT,
    every: DAY,
    from: 'staging.tickets',
    columns: 'day:date channel:varchar(20) opened:integer solved:integer median_hours:numeric(8,2)',
    ago: 5 * HOUR,
    rows: 4,
  }),
  asset('marts.checkout_funnel', {
    about: 'From visit to paid order, by step. Not built yet: it waits for the events.',
    owner: GROWTH,
    every: DAY,
    from: 'staging.sessions marts.orders',
    columns: 'day:date step:varchar(40) sessions:integer conversion:numeric(6,4)',
    ago: null,
    rows: 0,
  }),
];

/** Columns that the payment provider changed without notice: the amount is now text, there is a fee and no currency. */
export const CHANGED = {
  asset: 'raw.payments.charges',
  columns: columnsOf(
    'charge_id:varchar(40) order_id:bigint amount:varchar(20) outcome:varchar(20) charged_at:timestamptz fee:bigint',
  ),
};
