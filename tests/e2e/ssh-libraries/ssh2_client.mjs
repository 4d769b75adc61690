// Runs a command by ssh2 of npm; the host key is known by its base64: node ssh2_client.mjs PORT KEY_FILE HOST_KEY COMMAND
import { readFileSync } from "node:fs";
import ssh2 from "ssh2";

const [port, keyFile, hostKey, command] = process.argv.slice(2);
const client = new ssh2.Client();
client
  .on("error", (error) => {
    console.error(error.message);
    process.exitCode = 1;
  })
  .on("ready", () =>
    client.exec(command, (error, stream) => {
      if (error) throw error;
      stream.pipe(process.stdout);
      stream.on("close", () => client.end());
    }),
  )
  .connect({
    host: "localhost",
    port: Number(port),
    username: "work",
    privateKey: readFileSync(keyFile),
    hostVerifier: (offered) => offered.toString("base64") === hostKey,
  });
