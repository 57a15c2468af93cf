# zsh -f complete.zsh FOLDER LINE...: completes each line in a zsh on a terminal, with the function _jig of FOLDER, and
# prints the words that it offers, and then "= " and the line.
zmodload zsh/zpty
folder=$1
shift
cat > $folder/setup <<SETUP
PROMPT= RPROMPT=
fpath=($folder \${(M)fpath:#*/Completion(|/Base|/Unix|/Zsh)})
autoload -Uz compinit && compinit -u -D
compadd() {
  local -a hits
  if [[ " \${@[1,(i)(-|--)]} " == *\ -(O|A|D)\ * ]]; then builtin compadd "\$@"; return; fi
  builtin compadd -A hits "\$@"
  print -rl -- \$hits >> $folder/offered
}
told() { print -r -- "= \$BUFFER" >> $folder/offered; BUFFER=; print -n ENDED }
zle -N told
bindkey '^I' complete-word
bindkey '^T' told
SETUP
TERM=dumb zpty shell zsh -f -i
zpty -w shell "source $folder/setup; print READ''Y"
zpty -r shell seen '*READY*'
for line; do
  zpty -w -n shell "$line"$'\t\x14'
  zpty -r shell seen '*ENDED*'
done
zpty -d shell
cat $folder/offered
