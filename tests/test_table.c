/* test_table.c: aligned columns and the small plots. */
#include "terminal/table.h"

#include <cmocka.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void columns_align(void **state) {
    (void)state;
    tt_table table = {0};
    tt_table_column(&table, "axis", false);
    tt_table_column(&table, "J", true);
    tt_table_column(&table, "note", false);
    tt_table_cell(&table, "língua 日本");
    tt_table_cell(&table, "%.1f", 1.25);
    tt_table_cell(&table, "a\tb\033[1m");
    tt_table_cell(&table, "x");
    tt_table_cell(&table, "%d", 1234);
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_true(tt_table_print(&table, stream, 2, NULL));
    fclose(stream);
    assert_string_equal(text, "  axis            J  note\n"
                              "  língua 日本   1.2  a?b?[1m\n"
                              "  x            1234\n");
    free(text);
    tt_table_free(&table);
}

static void widths(void **state) {
    (void)state;
    assert_int_equal(tt_text_width(""), 0);
    assert_int_equal(tt_text_width("abc"), 3);
    assert_int_equal(tt_text_width("日本"), 4);
    assert_int_equal(tt_text_width("e\xcc\x81"), 1); /* a combining accent */
}

static void bars(void **state) {
    (void)state;
    char text[TT_BAR_TEXT];
    assert_string_equal(tt_bar_text(0.5, 8, false, text), "####    ");
    assert_string_equal(tt_bar_text(0.5, 3, true, text), "█▌ ");
    assert_string_equal(tt_bar_text(1, 3, true, text), "███");
    assert_string_equal(tt_bar_text(-1, 3, true, text), "   ");
    assert_string_equal(tt_bar_text(7, 3, false, text), "###");
    assert_string_equal(tt_bar_text(NAN, 2, true, text), "  ");
    for (int width = 0; width <= 64; width++) assert_int_equal(tt_text_width(tt_bar_text(0.37, width, true, text)), width);
}

static void sparklines(void **state) {
    (void)state;
    const double values[] = {0, 1, NAN, 7, INFINITY};
    tt_text text = {0};
    tt_sparkline(&text, values, 5, true);
    assert_string_equal(text.data, "▁▂ █ ");
    tt_text_clear(&text);
    tt_sparkline(&text, values, 5, false);
    assert_string_equal(text.data, "_. # ");
    tt_text_clear(&text);
    tt_sparkline(&text, (const double[]){3, 3}, 2, true); /* all equal: the middle */
    assert_string_equal(text.data, "▅▅");
    tt_text_clear(&text);
    tt_sparkline_between(&text, (const double[]){-1, 0, 1, 5, -5, NAN}, 6, -1, 1, true);
    assert_string_equal(text.data, "▁▅██▁ ");
    tt_text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(columns_align), cmocka_unit_test(widths), cmocka_unit_test(bars),
                                       cmocka_unit_test(sparklines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
