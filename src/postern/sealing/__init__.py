"""All of Postern's cryptography, small enough to audit over coffee: no other package touches a cipher.

Read in this order: `xaes` (the cipher), `envelope` (a sealed field), `derive` (keys from keys), `tags`
(keyed look-ups), `hybrid` (sealing to a public key), `signing`, `keyring` (where keys come from).
"""
