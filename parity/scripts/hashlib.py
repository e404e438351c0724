import hashlib, hmac, random, secrets, uuid, zlib

data = open("a", "rb").read()
for name in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b", "blake2s"):
    print(name, hashlib.new(name, data * 5).hexdigest())
print(hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 2000).hex())
print(hashlib.scrypt(b"password", salt=b"salt", n=1024, r=8, p=1).hex())
print(hmac.new(b"key", data, "sha256").hexdigest(), zlib.crc32(data), zlib.adler32(data))
random.seed(42)
print([random.randrange(1000) for _ in range(10)], random.random(), random.gauss(0, 1))
print(uuid.uuid5(uuid.NAMESPACE_DNS, "example.org"), len(secrets.token_bytes(32)))
