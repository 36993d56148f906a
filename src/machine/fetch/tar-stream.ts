// The library by its names: of a bundle that is loaded late, a CommonJS module has only a default.
export { extract, pack } from "tar-stream";
