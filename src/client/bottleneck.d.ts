/** The build of Bottleneck without Redis, which browsers can load. It comes without types. */
declare module 'bottleneck/light.js' {
  import Bottleneck from 'bottleneck';
  export default Bottleneck;
}
