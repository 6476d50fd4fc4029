// A real OpenID Connect provider for the tests: anybody signs in under any name. Its honest answers can be
// spoiled on the way out, as somebody between the two, or a broken provider, would.
// It ends with its input, whatever becomes of the tests. Arguments: the address that the browser is sent back to. Says {"issuer": …} once it listens.

import { createServer } from "node:http";
import { Provider } from "oidc-provider";
import { SignJWT, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair } from "jose";

const CLIENT = { id: "postern", secret: "a secret of the tests" };
const own = await generateKeyPair("RS256", { extractable: true });
const another = await generateKeyPair("RS256");
let spoil = "";

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: CLIENT.id,
      client_secret: CLIENT.secret,
      redirect_uris: [process.argv[2]],
      application_type: process.argv[2].startsWith("https:") ? "web" : "native",
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  jwks: { keys: [{ ...(await exportJWK(own.privateKey)), kid: "own", use: "sig", alg: "RS256" }] },
  cookies: { keys: ["signs cookies of the tests"] },
  claims: { openid: ["sub"], profile: ["preferred_username"], email: ["email"] },
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: true } },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id, email: `${id}@example.org` }),
  }),
});

const LIES = {
  "other-audience": { aud: "another client" },
  "other-issuer": { iss: "http://127.0.0.1:1" },
  "wrong-nonce": { nonce: "of another sign-in" },
  "without-nonce": { nonce: undefined },
  expired: { iat: Math.floor(Date.now() / 1000) - 7200, exp: Math.floor(Date.now() / 1000) - 3600 },
};

async function spoiled(token) {
  const claims = { ...decodeJwt(token), ...LIES[spoil] };
  const { kid } = decodeProtectedHeader(token);
  if (spoil === "unsigned") {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    return `${part({ alg: "none" })}.${part(claims)}.`;
  }
  if (spoil === "shared-secret") {
    return new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid }).sign(Buffer.from(CLIENT.secret));
  }
  const key = spoil === "other-key" ? another.privateKey : own.privateKey;
  return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid }).sign(key);
}

provider.use(async (context, next) => {
  if (context.path === "/spoil") {
    spoil = context.query.how;
    context.body = {};
    return;
  }
  await next();
  if (spoil && context.path === "/token" && context.body?.id_token) {
    context.body = { ...context.body, id_token: await spoiled(context.body.id_token) };
  }
});

server.on("request", provider.callback());
process.stdin.on("end", () => process.exit()).resume();
process.stdout.write(`${JSON.stringify({ issuer })}\n`);
