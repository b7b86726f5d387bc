/** The build of Bottleneck without Redis, which browsers can load. It has no types of its own. */
declare module 'bottleneck/light.js' {
  import Bottleneck from 'bottleneck';
  export default Bottleneck;
}
