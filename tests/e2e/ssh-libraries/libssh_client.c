/* Runs a command by libssh: libssh_client PORT KEY_FILE KNOWN_HOSTS COMMAND */
#include <libssh/libssh.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what, ssh_session session)
{
    fprintf(stderr, "%s: %s\n", what, ssh_get_error(session));
    return 1;
}

int main(int argc, char **argv)
{
    ssh_session session = ssh_new();
    ssh_key key;
    ssh_channel channel;
    unsigned int port;
    int ignore = 0, size;
    char output[4096];

    if (argc != 5 || session == NULL)
        return 2;
    port = (unsigned int) atoi(argv[1]);
    ssh_options_set(session, SSH_OPTIONS_HOST, "localhost");
    ssh_options_set(session, SSH_OPTIONS_PORT, &port);
    ssh_options_set(session, SSH_OPTIONS_USER, "work");
    ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, argv[3]);
    ssh_options_set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
    ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &ignore);
    if (ssh_connect(session) != SSH_OK)
        return fail("connect", session);
    if (ssh_session_is_known_server(session) != SSH_KNOWN_HOSTS_OK)
        return fail("the host key is not the known one", session);
    if (ssh_pki_import_privkey_file(argv[2], NULL, NULL, NULL, &key) != SSH_OK)
        return fail("key file", session);
    if (ssh_userauth_publickey(session, NULL, key) != SSH_AUTH_SUCCESS)
        return fail("log in", session);
    channel = ssh_channel_new(session);
    if (ssh_channel_open_session(channel) != SSH_OK || ssh_channel_request_exec(channel, argv[4]) != SSH_OK)
        return fail("command", session);
    while ((size = ssh_channel_read(channel, output, sizeof output, 0)) > 0)
        fwrite(output, 1, (size_t) size, stdout);
    ssh_disconnect(session);
    return 0;
}
