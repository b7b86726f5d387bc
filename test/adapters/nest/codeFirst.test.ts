import {
  Args,
  Context,
  Field,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { ForbiddenException, NotFoundException } from '@nestjs/common';
import { Auth, Public } from '../../../src/nest.js';
import { decorate, DRIVERS, startApplication, type Application } from './application.js';

const ran: string[] = [];

class Order {
  id = 'A-1';
  margin = 0.3;
  note = 'late';
}
decorate(
  Order,
  'id',
  Field(() => String),
);
decorate(
  Order,
  'margin',
  Auth('read:margins'),
  Field(() => Number),
);
decorate(
  Order,
  'note',
  Auth(['read:notes'], ['read:margins', 'write:orders']),
  Field(() => String),
);
decorate(Order, null, ObjectType());

class Secret {
  text = 'secret';
}
decorate(
  Secret,
  'text',
  Field(() => String),
);
decorate(Secret, null, Auth('read:secrets'), ObjectType());

class Shipping {
  id = '';
  express = false;
}
decorate(
  Shipping,
  'id',
  Field(() => String),
);
decorate(
  Shipping,
  'express',
  Auth('write:express'),
  Field(() => Boolean, { nullable: true }),
);
decorate(Shipping, null, InputType());

class Orders {
  opening(): string {
    return '9 to 5';
  }
  orders(): Order[] {
    ran.push('orders');
    return [new Order()];
  }
  secret(): Secret {
    ran.push('secret');
    return new Secret();
  }
  both(): number {
    return 2;
  }
  who({ principal }: { principal: { kind: string } }): string {
    return principal.kind;
  }
  ship({ id }: Shipping): string {
    ran.push('ship');
    return id;
  }
  missing(): string {
    throw new NotFoundException('There is no such order.');
  }
  forbidden(): Promise<string> {
    return Promise.reject(new ForbiddenException('Not on Sundays.'));
  }
  failing(): string {
    throw new Error('postgres://secret');
  }
}
const argument = (member: string, index: number, decorator: ParameterDecorator) =>
  decorator(Orders.prototype, member, index);
decorate(
  Orders,
  'opening',
  Public(),
  Query(() => String),
);
decorate(
  Orders,
  'orders',
  Query(() => [Order]),
  Auth('read:orders'),
);
decorate(
  Orders,
  'secret',
  Auth(),
  Query(() => Secret),
);
decorate(
  Orders,
  'both',
  Auth('read:orders'),
  Query(() => Int),
  Auth('read:margins'),
);
decorate(
  Orders,
  'who',
  Auth(),
  Query(() => String),
);
argument('who', 0, Context());
decorate(
  Orders,
  'ship',
  Auth('write:orders'),
  Mutation(() => String),
);
Reflect.defineMetadata('design:paramtypes', [Shipping], Orders.prototype, 'ship');
argument('ship', 0, Args('shipping'));
for (const member of ['missing', 'forbidden', 'failing'])
  decorate(
    Orders,
    member,
    Public(),
    Query(() => String),
  );
decorate(Orders, null, Resolver());

class OrderFields {
  weight(): number {
    return 7;
  }
}
decorate(
  OrderFields,
  'weight',
  Auth('read:weights'),
  ResolveField(() => Int),
);
decorate(
  OrderFields,
  null,
  Resolver(() => Order),
);

describe.each(DRIVERS)('code-first with the %s driver', (driver) => {
  let own: Application;
  beforeAll(async () => {
    own = await startApplication({ driver, providers: [Orders, OrderFields] });
  });
  beforeEach(() => void ran.splice(0));
  afterAll(() => own.close());

  it('@Public is accessible without a key, and @Auth is not', async () => {
    expect(await own.query('{ opening }', null)).toMatchObject({ status: 200, body: { data: { opening: '9 to 5' } } });
    expect(await own.query('{ orders { id } }', null)).toMatchObject({
      status: 401,
      body: { errors: [{ extensions: { code: 'UNAUTHENTICATED', reason: 'missing' } }] },
    });
    expect(ran).toEqual([]);
  });

  it.each<[string, readonly string[], number]>([
    ['{ orders { id } }', ['read:orders'], 200],
    ['{ orders { id } }', ['read:notes'], 403],
    ['{ orders { id margin } }', ['read:orders'], 403],
    ['{ orders { margin } }', ['read:orders', 'read:margins'], 200],
    ['{ orders { note } }', ['read:orders', 'read:notes'], 200],
    ['{ orders { note } }', ['read:orders', 'read:margins'], 403],
    ['{ orders { note } }', ['read:orders', 'read:margins', 'write:orders'], 200],
    ['{ orders { weight } }', ['read:orders'], 403],
    ['{ orders { weight } }', ['read:orders', 'read:weights'], 200],
    ['{ secret { text } }', ['read:orders'], 403],
    ['{ secret { text } }', ['read:secrets'], 200],
    ['{ both }', ['read:orders'], 403],
    ['{ both }', ['read:margins'], 403],
    ['{ both }', ['read:orders', 'read:margins'], 200],
    ['{ who }', ['read:orders'], 200],
    ['mutation { ship(shipping: { id: "1" }) }', ['write:orders'], 200],
    ['mutation { ship(shipping: { id: "1", express: true }) }', ['write:orders'], 403],
    ['mutation { ship(shipping: { id: "1", express: true }) }', ['write:orders', 'write:express'], 200],
  ])('%s with %j has the status %i', async (query, scopes, status) => {
    const answer = await own.query(query, await own.createKey(scopes));
    expect([answer.status, answer.body.errors?.[0].message]).toEqual([
      status,
      status === 200 ? undefined : expect.any(String),
    ]);
    if (status !== 200) expect(ran).toEqual([]);
  });

  it('a refusal names the missing scopes, and the response has the fields of the limits', async () => {
    const { body, headers } = await own.query('{ both }', await own.createKey(['read:notes']));
    expect(body.errors[0].extensions).toMatchObject({ code: 'FORBIDDEN', missing: ['read:margins', 'read:orders'] });
    expect(headers.get('ratelimit-policy')).toContain('burst');
    expect(headers.get('www-authenticate')).toContain('insufficient_scope');
  });

  it('shows the messages of HTTP exceptions of the statuses 400 to 499, and no others', async () => {
    const { body } = await own.query('{ missing }', null);
    expect(body.errors).toMatchObject([{ message: 'There is no such order.', extensions: { code: 'NOT_FOUND' } }]);
    expect((await own.query('{ forbidden }', null)).body.errors).toMatchObject([
      { message: 'Not on Sundays.', extensions: { code: 'FORBIDDEN' } },
    ]);
    expect(own.reported).toEqual([]);
    const failed = await own.query('{ failing }', null);
    expect(failed.text).not.toContain('postgres');
    expect(failed.body.errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
    expect(own.reported.splice(0)).toMatchObject([{ message: 'postgres://secret' }]);
  });

  it('refuses batches, and an operation that the introspection of anonymous callers needs', async () => {
    const batch = await fetch(own.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${own.admin}` },
      body: JSON.stringify([{ query: '{ opening }' }, { query: '{ opening }' }]),
    });
    expect(batch.status).toBe(400);
    expect((await own.query('{ __schema { queryType { name } } }', null)).status).toBe(401);
  });
});

it.each(DRIVERS)('with the %s driver, the schema can be sorted', async (driver) => {
  const own = await startApplication({ driver, providers: [Orders, OrderFields], graphql: { sortSchema: true } });
  try {
    expect((await own.query('{ orders { margin } }', await own.createKey(['read:orders']))).status).toBe(403);
    expect(
      (await own.query('{ orders { margin } }', await own.createKey(['read:orders', 'read:margins']))).status,
    ).toBe(200);
  } finally {
    await own.close();
  }
});

it.each(DRIVERS)('with the %s driver, a root field without a rule prevents the start', async (driver) => {
  class Open {
    open(): string {
      return 'open';
    }
  }
  decorate(
    Open,
    'open',
    Query(() => String, { name: 'unruled' }),
  );
  decorate(Open, null, Resolver());
  await expect(startApplication({ driver, providers: [Orders, OrderFields, Open] })).rejects.toThrow('Query.unruled');
});

it('@Auth on a class of resolvers prevents the start, because Nest ignores it', async () => {
  class Closed {
    closed(): string {
      return 'closed';
    }
  }
  decorate(
    Closed,
    'closed',
    Public(),
    Query(() => String),
  );
  decorate(Closed, null, Auth('admin'), Resolver());
  try {
    await expect(startApplication({ driver: 'apollo', providers: [Closed] })).rejects.toThrow(
      '@Auth on the resolver class Closed has no effect. Put it on each method, or on the object type.',
    );
  } finally {
    // The rules of a process are checked together, including those of other test files.
    Reflect.deleteMetadata('graphql:resolver_name', Closed);
  }
});

it('an ambiguous @Auth is refused, and so is @Auth on an argument', () => {
  expect(() => Auth('read:a', 'read:b')).toThrow('@Auth with several scopes is ambiguous');
  expect(() => argument('opening', 0, Auth('read:a') as ParameterDecorator)).toThrow("@Auth can't be on an argument");
});
