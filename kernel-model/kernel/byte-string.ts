/**
 * Strings of the guest: file names, arguments and environment are bytes without an encoding.
 *
 * Inside the kernel model such a string is a JavaScript string whose code units are the bytes (0 to 255), so that comparing, splitting
 * and joining work and nothing is lost. The host side decodes where it shows one to a person.
 */

/** The bytes of a byte string; a terminating zero is not added. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The byte string of `bytes`. */
export function byteString(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return text;
}

/** A text of the host in UTF-8, as a byte string: an argument, a variable or a path that a person wrote. */
export function utf8String(text: string): string {
  return byteString(new TextEncoder().encode(text));
}

/** The byte string in front of the first zero byte, all of `bytes` if there is none. */
export function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return byteString(end < 0 ? bytes : bytes.subarray(0, end));
}

/** The bytes of a byte string and a terminating zero. */
export function zeroTerminated(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length + 1);
  bytes.set(bytesOf(text));
  return bytes;
}
