/** The module of the runtime's arithmetic: floating point and cryptography that WebAssembly lacks. Many programs never need it, so it is made when one does. */
import { ModuleBuilder, unknownToJavaScript } from "./binary/module.js";
import { hostFusesMultiplyAdd } from "./host-float.js";
import { CRYPTO_FUNCTIONS, type CryptoFunction, cryptoFunction } from "./runtime-crypto.js";
import { FLOAT_FUNCTIONS, floatFunction, type FloatFunction } from "./runtime-float.js";

/** The functions, by name, for translated modules to import. */
export function createArithmetic(): WebAssembly.Exports {
  const module = new ModuleBuilder();
  const fused = hostFusesMultiplyAdd();
  for (const name of Object.keys(FLOAT_FUNCTIONS) as FloatFunction[]) module.exportFunction(name, module.func(unknownToJavaScript(FLOAT_FUNCTIONS[name]), floatFunction(name, fused)));
  for (const name of Object.keys(CRYPTO_FUNCTIONS) as CryptoFunction[]) module.exportFunction(name, module.func(unknownToJavaScript(CRYPTO_FUNCTIONS[name]), cryptoFunction(name)));
  return new WebAssembly.Instance(new WebAssembly.Module(module.finish())).exports;
}
