@rem Replaces the shell's exec in npm start on cmd.exe, which has none. The server then receives signals directly.
@%*
