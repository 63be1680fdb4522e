/* report_html.c: an evaluation as one page; see report.h. web/report.html, web/gallery.html and their parts are the pages,
 * each of which the build puts into one file; here they get the figures. */
#include "base/text.h"
#include "evaluate/evaluation_json.h"
#include "publish/report.h"

#include <stdlib.h>
#include <string.h>

/* clang-format takes the path for a formula. */
/* clang-format off */
static const char report[] = {
#embed <web/trimtab-report.html> suffix(, 0)
};
static const char gallery[] = {
#embed <web/trimtab-gallery.html> suffix(, 0)
};
/* clang-format on */

static const char place[] = "@EVALUATION@";

/* JSON inside of HTML: a '<' can only be in a string, where it may be written so that no reader of HTML sees a tag. */
static void add_json(tt_text *html, const char *json) {
    for (const char *at = json; *at;) {
        const size_t plain = strcspn(at, "<");
        tt_text_add_bytes(html, at, plain);
        at += plain;
        if (*at) tt_text_add(html, "\\u003c"), at++;
    }
}

static char *fill(const char *page, const tt_evaluation *evaluation, tt_error *err) {
    yyjson_mut_doc *doc = tt_evaluation_json(evaluation, err);
    char *json = doc ? tt_json_text(doc, YYJSON_WRITE_NOFLAG, NULL, err) : NULL;
    yyjson_mut_doc_free(doc);
    if (!json) return NULL;
    const char *begin = strstr(page, place);
    tt_text html = {0};
    tt_text_add_bytes(&html, page, (size_t)(begin - page));
    add_json(&html, json);
    tt_text_add(&html, begin + strlen(place));
    free(json);
    return tt_text_take(&html, err);
}

char *tt_evaluation_html(const tt_evaluation *evaluation, tt_error *err) { return fill(report, evaluation, err); }

char *tt_gallery_html(const tt_evaluation *evaluation, tt_error *err) { return fill(gallery, evaluation, err); }
