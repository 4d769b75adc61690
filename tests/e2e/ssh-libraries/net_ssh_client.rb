# Runs a command by Ruby's net-ssh: ruby net_ssh_client.rb PORT KEY_FILE KNOWN_HOSTS COMMAND
require 'net/ssh'

port, key_file, known_hosts, command = ARGV
Net::SSH.start('localhost', 'work', port: port.to_i, keys: [key_file], keys_only: true, use_agent: false,
               user_known_hosts_file: known_hosts, global_known_hosts_file: [], verify_host_key: :always,
               config: false) { |session| puts session.exec!(command) }
