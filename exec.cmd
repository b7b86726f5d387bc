@rem npm start for cmd.exe, which lacks the shells' exec: through it the server gets signals itself.
@%*
