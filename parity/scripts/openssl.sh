export OPENSSL_CONF=/dev/null
openssl version | cut -d' ' -f1,2
openssl genpkey -algorithm ED25519 -out key.pem 2>/dev/null
printf 'message' >message
openssl pkeyutl -sign -inkey key.pem -rawin -in message -out signature
openssl pkey -in key.pem -pubout -out public.pem
openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in message -sigfile signature
openssl genrsa -out rsa.pem 1024 2>/dev/null && openssl rsa -in rsa.pem -check -noout 2>&1
openssl req -new -x509 -key rsa.pem -subj /CN=test -days 10 -out certificate.pem
openssl verify -CAfile certificate.pem certificate.pem
openssl prime 1000000007
openssl rand -hex 8 | wc -c
echo secret | openssl enc -aes-128-cbc -pbkdf2 -pass pass:x | openssl enc -d -aes-128-cbc -pbkdf2 -pass pass:x
openssl dgst -sha3-512 message
openssl dgst -hmac key -md5 message
rm key.pem public.pem rsa.pem certificate.pem signature
