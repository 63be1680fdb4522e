"""comma_locale.py: a locale with a decimal comma, which few systems have installed. Started as a program, this file makes it:

    python3 comma_locale.py FOLDER
"""

import os
import subprocess
import sys

NAME = "de_DE"  # one that the C tests look for; with ".UTF-8" it would have to be in that


def environment(folder):
    """Makes the locale below `folder`. Returns the settings of a user who writes numbers so, and all else as in C; None where
    there is no localedef."""
    characters, source = os.path.join(folder, "characters"), os.path.join(folder, "source")
    with open(characters, "w", encoding="ascii") as file:
        file.write("<code_set_name> ANSI_X3.4-1968\n<comment_char> %\n<escape_char> /\n<mb_cur_min> 1\n<mb_cur_max> 1\nCHARMAP\n")
        file.writelines(f"<U{code:04X}> /x{code:02x} character\n" for code in range(128))
        file.write("END CHARMAP\n")
    with open(source, "w", encoding="ascii") as file:
        file.write('LC_NUMERIC\ndecimal_point ","\nthousands_sep "."\ngrouping 3;3\nEND LC_NUMERIC\n')
    try:  # it says that it misses the other categories, and is content
        subprocess.run(["localedef", "-c", "-i", source, "-f", characters, os.path.join(folder, NAME)], capture_output=True, check=False)
    except OSError:
        return None
    return {"LOCPATH": folder, "LC_NUMERIC": NAME, "LANG": "C"}


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    if not environment(sys.argv[1]):
        sys.exit("there is no localedef")
