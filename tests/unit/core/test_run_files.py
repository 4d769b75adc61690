from sshore.core.run_files import ciphers, folder_sshd_config, host_key_files, late_variables, sshd_config

KEYS = host_key_files("ED25519", ["ECDSA"])


def test_a_server_with_aes_instructions_offers_no_slower_cipher_than_aes() -> None:
    assert ciphers(cpu_has_aes=True).split(",")[0] == "aes128-gcm@openssh.com"
    assert "chacha20" not in ciphers(cpu_has_aes=True)


def test_a_server_without_them_offers_chacha20_and_no_gcm() -> None:
    assert ciphers(cpu_has_aes=False).startswith("chacha20")
    assert "gcm" not in ciphers(cpu_has_aes=False)


def test_clients_that_know_nothing_newer_find_aes_ctr() -> None:
    for has_aes in (True, False):
        assert "aes128-ctr" in ciphers(cpu_has_aes=has_aes).split(",")


def test_variables_that_sshd_could_not_bear_are_not_its_to_set() -> None:
    many = {f"V{number}": "x" * 1000 for number in range(100)}
    environment = {"PATH": "/bin", "LONG": "x" * 100_000, "LINES": "a\nb", "CR\r": "", **many}
    config = sshd_config(environment, KEYS, cpu_has_aes=True)
    assert '"PATH=/bin"' in config and '"V99=' in config
    assert "LONG=" not in config and "LINES" not in config
    assert late_variables(environment) == {"LONG", "LINES", "CR\r"}
    assert late_variables(many) == set()
    assert sshd_config(many, KEYS, cpu_has_aes=True).count("=x") == 100


def test_each_host_key_is_offered_and_in_a_session_certified() -> None:
    lines = sshd_config({}, KEYS, cpu_has_aes=True).splitlines()
    assert [line for line in lines if line.startswith("Host")] == [
        "HostKey /run/sshore/ssh_host_key",
        "HostCertificate /run/sshore/ssh_host_key-cert.pub",
        "HostKey /run/sshore/ssh_host_key_2",
        "HostCertificate /run/sshore/ssh_host_key_2-cert.pub",
    ]
    assert folder_sshd_config(KEYS, cpu_has_aes=True).count("HostKey ") == 2
    assert "HostCertificate" not in folder_sshd_config(KEYS, cpu_has_aes=True)


def test_no_variable_is_accepted_that_finds_or_loads_programs() -> None:
    (line,) = (line for line in sshd_config({}, KEYS, cpu_has_aes=True).splitlines() if line.startswith("AcceptEnv"))
    assert "*" not in line and "GIT_PROTOCOL" in line.split()
    assert "AcceptEnv" not in folder_sshd_config(KEYS, cpu_has_aes=True), "SFTP has no use for any"
