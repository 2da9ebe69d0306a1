# Prints which package holds the program $1, or fails with the list of programs.
case $1 in
  section1-expose | section2-counter | section3-compose | bonus-histogram) printf '%s' "$1" ;;
  section1 | section2 | section3 | bonus) printf solutions ;;
  *)
    cat >&2 <<LIST

There is no APP=$1. Set APP, in .env or before the command, to one of
  section1-expose section2-counter section3-compose bonus-histogram    what you write
  section1 section2 section3 bonus                                     the solutions

LIST
    exit 1
    ;;
esac
