/* main.c: see the commands in this folder. */
#include <stdio.h>
int main(void) {
    puts("trimtab " TRIMTAB_VERSION);
    return 0;
}
