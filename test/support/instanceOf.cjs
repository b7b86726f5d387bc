// What graphql does when NODE_ENV is production. Otherwise it looks for a second copy of itself at each comparison, which takes
// a seventh of each start of a service. Only this module is told so, because NODE_ENV changes other things too.
const { NODE_ENV } = process.env;
process.env.NODE_ENV = 'production';
// oxlint-disable-next-line typescript/no-require-imports -- graphql's module is CommonJS.
module.exports = require('graphql/jsutils/instanceOf.js');
process.env.NODE_ENV = NODE_ENV;
