/* chat_loop.c: see chat_loop.h */
#include "cli/chat_loop.h"
#include "base/plain.h"
#include "base/text.h"
#include "terminal/console.h"
#include "terminal/interrupt.h"
#include "terminal/line_editor.h"

#include <stdlib.h>
#include <string.h>

typedef struct talk {
    tt_session *session;
    trimtab_chat *conversation;
    bool has_system;
    bool over;
} talk;

static const char help_text[] =
    "/axis NAME=VALUE[,NAME=VALUE...]  steer from now on; 0 is the middle\n"
    "/mix                              show how it is steered\n"
    "/mix NAME=VALUE[,...]             steer in this way alone; /mix none: not at all\n"
    "/save FILE                        write the conversation to FILE (JSON where it ends in .json)\n"
    "/reset                            begin a new conversation\n"
    "/help                             this\n"
    "/exit                             leave; so does Ctrl-D\n"
    "A line that ends in a backslash goes on in the next. Ctrl-C ends an answer.\n";

/* ==== What begins with a slash ==== */

static void say_mix(const talk *chat) {
    const char *text = tt_mix_name(chat->session->mix);
    fprintf(stderr, "%s\n", *text ? text : "not steered");
    tt_mix_warn(chat->session->mix);
}

/* The conversation stays as it is; the model reads it anew as the steered one. */
static bool steer(talk *chat, trimtab_error *error, tt_error *err) {
    if (!error->status) trimtab_mix_settle(chat->session->mix, error);
    if (!tt_went_well(error, err) || !tt_session_steer(chat->session, true, err)) return false;
    say_mix(chat);
    return true;
}

static bool do_axis(talk *chat, const char *rest, tt_error *err) {
    trimtab_error error;
    if (!*rest) return tt_fail(err, TT_ERROR_USAGE, "/axis needs a name and a value, such as /axis language=0.5");
    trimtab_mix_set(chat->session->mix, rest, &error);
    return steer(chat, &error, err);
}

static bool do_mix(talk *chat, const char *rest, tt_error *err) {
    trimtab_mix *mix = chat->session->mix;
    trimtab_error error = {0};
    if (!*rest) {
        say_mix(chat);
        return true;
    }
    trimtab_mix_clear(mix);
    if (strcmp(rest, "none") != 0) trimtab_mix_add(mix, rest, &error);
    if (!error.status) return steer(chat, &error, err);
    trimtab_mix_reset(mix, NULL);
    return tt_went_well(&error, err);
}

static bool do_save(talk *chat, const char *rest, tt_error *err) {
    if (!*rest) return tt_fail(err, TT_ERROR_USAGE, "/save needs a file's name, such as /save story.txt");
    const char *mix = tt_mix_name(chat->session->mix);
    if (!tt_conversation_save(chat->conversation, *mix ? mix : NULL, rest, err)) return false;
    fputs("saved to ", stderr);
    tt_console_print(stderr, rest);
    fputc('\n', stderr);
    return true;
}

static bool do_reset(talk *chat, const char *, tt_error *) {
    trimtab_chat_cut(chat->conversation, chat->has_system);
    fputs("a new conversation\n", stderr);
    return true;
}

static bool do_help(talk *, const char *, tt_error *) {
    fputs(help_text, stderr);
    return true;
}

static bool do_exit(talk *chat, const char *, tt_error *) {
    chat->over = true;
    return true;
}

static const struct {
    const char *name;
    bool (*run)(talk *chat, const char *rest, tt_error *err);
} commands[] = {
    {"/axis", do_axis}, {"/mix", do_mix},   {"/save", do_save}, {"/reset", do_reset},
    {"/help", do_help}, {"/exit", do_exit}, {"/quit", do_exit},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static bool run_command(talk *chat, const char *line, tt_error *err) {
    const size_t length = strcspn(line, " \t");
    const char *rest = line + length + strspn(line + length, " \t");
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++) {
        names[i] = commands[i].name;
        if (strlen(names[i]) == length && !strncmp(names[i], line, length)) return commands[i].run(chat, rest, err);
    }
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)length, line);
    const char *nearest = tt_nearest(word, names, COMMANDS);
    if (nearest) return tt_fail(err, TT_ERROR_USAGE, "there is no %s; did you mean %s?", word, nearest);
    return tt_fail(err, TT_ERROR_USAGE, "there is no %s; /help lists what there is", word);
}

/* ==== Answers ==== */

/* An answer that Ctrl-C cut short counts as far as it came. One that failed takes its question back out. */
static bool answer(talk *chat, const char *question, tt_error *err) {
    trimtab_answer *answer = NULL;
    const bool ok = tt_session_say(chat->session, chat->conversation, question, stdout, &answer, err);
    if (ok) tt_session_remark(chat->session, answer);
    trimtab_answer_free(answer);
    tt_interrupt_clear();
    return ok;
}

/* Trailing spaces are of no meaning, and a completed file name may have left one. */
static char *trim(tt_text *line) {
    char *begin = line->data + strspn(line->data, " \t\n");
    size_t length = strlen(begin);
    while (length && strchr(" \t\n", begin[length - 1])) length--;
    begin[length] = '\0';
    return begin;
}

/* What the user is told of goes on; what nobody can go on from ends the chat. */
static bool handle(talk *chat, tt_text *line, tt_error *err) {
    if (!tt_text_ok(line, err)) return false;
    tt_error failed = {0};
    const bool plain = tt_plain_clean(line->data, &line->length, "this line", &failed);
    char *text = trim(line);
    if (plain && !*text) return true;
    if (plain && (text[0] == '/' ? run_command(chat, text, &failed) : answer(chat, text, &failed)))
        return tt_console_flush(err);
    if (failed.kind == TT_ERROR_MEMORY) return tt_fail(err, failed.kind, "%s", failed.message);
    tt_console_error("%s", failed.message);
    return true;
}

static bool run_loop(talk *chat, tt_line_editor *editor, tt_error *err) {
    static const char *const prompts[2] = {"> ", "| "};
    tt_text line = {0};
    bool ok = true;
    while (ok && !chat->over) {
        switch (tt_line_editor_read(editor, prompts, &line)) {
        case TT_LINE_READ:
            ok = handle(chat, &line, err);
            break;
        case TT_LINE_INTERRUPTED:
            fputs("/exit or Ctrl-D leaves\n", stderr);
            break;
        case TT_LINE_END:
            chat->over = true;
            break;
        }
    }
    tt_text_free(&line);
    return ok;
}

bool tt_chat_loop(tt_session *session, const char *system, tt_error *err) {
    trimtab_error error;
    talk chat = {.session = session, .has_system = system != NULL};
    chat.conversation = trimtab_chat_begin(session->t, system, &error);
    tt_line_editor *editor = tt_went_well(&error, err) ? tt_line_editor_open(err) : NULL;
    bool ok = editor != NULL;
    if (ok) {
        const trimtab_facts *facts = trimtab_facts_of(session->t);
        tt_console_print(stderr, *facts->name ? facts->name : facts->description);
        fputs("; /help lists what can be typed besides text\n", stderr);
        if (*tt_mix_name(session->mix)) fprintf(stderr, "%s\n", tt_mix_name(session->mix));
        ok = run_loop(&chat, editor, err);
    }
    trimtab_chat_free(chat.conversation);
    tt_line_editor_close(editor);
    return ok;
}
