"""A GraphQL API with Debian's python3-graphql-core and the WSGI server of Python. Prints its port."""

import json
from wsgiref.simple_server import WSGIRequestHandler, make_server

from graphql import build_ast_schema, graphql, parse

SDL = """
schema { query: Query mutation: Mutation }
type Query { order(id: ID!): Order orders(first: Int): [Order!]! health: String! internal: String! }
type Mutation { cancel(id: ID!): Order }
type Order { id: ID! total: Float! margin: Float! }
"""
ORDERS = [{"id": str(i), "total": i * 10.5, "margin": i / 10} for i in (1, 2, 3)]


def orders(_root, _info, first=3):
    return ORDERS[:first]


def order(_root, _info, id):
    return next((each for each in ORDERS if each["id"] == id), None)


def resolve(type_name, **resolvers):
    for name, resolver in resolvers.items():
        schema.get_type(type_name).fields[name].resolver = resolver


schema = build_ast_schema(parse(SDL))
resolve(
    "Query",
    orders=orders,
    order=order,
    health=lambda *_: "ok",
    internal=lambda *_: "a secret of the upstream",
)
resolve("Mutation", cancel=order)
resolve("Order", **{name: lambda each, _info, name=name: each[name] for name in ("id", "total", "margin")})


def application(environ, start_response):
    body = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    result = graphql(
        schema,
        body["query"],
        variables=body.get("variables"),
        operation_name=body.get("operationName"),
    )
    told = {"data": result.data}
    if result.errors:
        told["errors"] = [{"message": str(error)} for error in result.errors]
    told["extensions"] = {name[5:].lower(): value for name, value in environ.items() if name.startswith("HTTP_LATCHKEY")}
    start_response("400 Bad Request" if result.errors else "200 OK", [("Content-Type", "application/json")])
    return [json.dumps(told).encode()]


class Handler(WSGIRequestHandler):
    def log_message(self, *_):
        pass


server = make_server("127.0.0.1", 0, application, handler_class=Handler)
print(server.server_port, flush=True)
server.serve_forever()
