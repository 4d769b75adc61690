"""Where things lie inside a session: the contract between engines, kit, agent and the server.

Every engine presents the same picture, whatever it is made of:

    /home/work              the home (read-write), account `work`
    /home/work/id_container the session's private key, 0600
    /home/work/.sshore      what the agent leaves for the user: bootstrap.log, entrypoint.log
    /opt/sshore             the kit, read-only; its terminfo is a last resort
    /run/sshore             the platform's own files, read-only, written by the server:
        agent.json            what the agent is told (0600); see `AgentConfig` in agent/config.py
        sshd_config           the configuration of `sshd -i`
        ssh_host_key          host key, private (0600); beside it ssh_host_key-cert.pub by the host CA;
                              ssh_host_key_2, _3: those of other types, likewise
        authorized_keys       session key and the owner's own keys, each after a comment with its fingerprint
        bootstrap             the owner's bootstrap script (0700); empty when there is none
        user_ca.pub           the user CA
        principals            the one principal that certificates must name: the session's id
        wrong_user            what is said to whoever logs in as another than `work`
        link/gateway.sock     the gateway's Unix socket (the *directory* is mounted: sockets go stale)
"""

ACCOUNT = "work"
ACCOUNT_ID = 1000
"""uid and gid of `work` as seen inside the session."""
HOME = "/home/work"
KEY_FILE_NAME = "id_container"
HOME_STATE = ".sshore"

KIT = "/opt/sshore"
KIT_BIN = f"{KIT}/bin"
KIT_SSHD = f"{KIT_BIN}/sshd"
KIT_PYTHON = f"{KIT}/python/bin/python3"
KIT_AGENT = f"{KIT}/agent"
TERMINFO = f"{KIT}/terminfo"
KIT_SSHD_CONFIG = f"{KIT}/sshd_config"
"""What the kit's sshd needs, included in every `sshd_config`."""
AGENT_COMMAND = (KIT_PYTHON, "-I", "-S", KIT_AGENT)
"""The agent reads `AGENT_CONFIG` and needs nothing else: no argument, no environment."""
UNTIL_CLOSED = "until-closed"
"""Before places, as arguments: the agent does nothing until what is mounted there is mounted nosuid,nodev."""

ID_VARIABLE = "SSHORE_SESSION_ID"
"""What all of a session's processes begin with in their environment, and those that hold it outside, too."""

RUN = "/run/sshore"
AGENT_CONFIG = f"{RUN}/agent.json"
SSHD_CONFIG = f"{RUN}/sshd_config"
HOST_KEY = f"{RUN}/ssh_host_key"
AUTHORIZED_KEYS = f"{RUN}/authorized_keys"
USER_CA = f"{RUN}/user_ca.pub"
PRINCIPALS = f"{RUN}/principals"
WRONG_USER = f"{RUN}/wrong_user"
BOOTSTRAP = f"{RUN}/bootstrap"
LINK = f"{RUN}/link"
LINK_SOCKET_NAME = "gateway.sock"

LOGIN_SHELL = "/etc/sshore-login"
"""Made where the login shell cannot be run as it is; see `core.logins`."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The search path of a login, before the kit's own programs (scp, rsync) as a last resort."""
TERMINFO_DIRS = ("/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo", "/usr/lib/terminfo")
"""Where distributions keep descriptions of terminals."""
TERMINFO_PATH = ":".join((*TERMINFO_DIRS, "", TERMINFO))
"""The image's own come first: those at the usual places, and where its ncurses was built for, which is what an empty
element means (ncurses(3), TERMINFO_DIRS). Without this variable the kit's would be found by nobody."""
