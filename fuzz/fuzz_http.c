/* fuzz_http.c: raw bytes to a live server of a tiny model: whatever comes, it answers or hangs up, and goes on. */
#include "server/server.h"
#include "support/tiny_model.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sockaddr_in address; /* of the server, once there is one */
static atomic_bool never;

static void fail(tt_error *err) {
    fprintf(stderr, "fuzz_http: %s\n", err->message);
    abort();
}

/* Opens the model and serves it until the process ends, which frees everything. `data` is posted once it listens. */
static void *serve(void *data) {
    tt_error err = {0};
    char path[] = "/tmp/trimtab-fuzz-XXXXXX";
    const int fd = mkstemp(path);
    const tt_engine_options engine_options = {0};
    if (fd < 0 || !tt_tiny_model_write(path, NULL)) abort();
    tt_engine *engine = tt_engine_start(&engine_options, &err);
    tt_model *model = engine ? tt_model_open(engine, &(tt_model_options){.path = path, .threads = 1}, &err) : NULL;
    tt_chat *chat = model ? tt_chat_open(model, &(tt_chat_options){.name = "chatml"}, &err) : NULL;
    const tt_server_options options = {.http = {.body_limit = 4096, .idle = 0.2}, .slots = 2, .context = 128, .limit = 4};
    tt_server *server = chat ? tt_server_start(model, chat, &options, &err) : NULL;
    if (!server) fail(&err);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)strtoul(strrchr(tt_server_address(server), ':') + 1, NULL, 10));
    close(fd);
    unlink(path);
    sem_post(data);
    tt_server_wait(server, &never);
    return NULL;
}

static void prepare(void) {
    pthread_t thread;
    sem_t listening;
    sem_init(&listening, 0, 0);
    if (pthread_create(&thread, NULL, serve, &listening)) abort();
    while (sem_wait(&listening)) {
    }
}

/* Sends the bytes, says that no more will come, and reads until the server hangs up, which it must. */
static void talk(const void *bytes, size_t size) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const struct timeval patience = {.tv_sec = 15};
    char answer[4096];
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address)) abort();
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    send(fd, bytes, size, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    ssize_t length;
    while ((length = recv(fd, answer, sizeof answer, 0)) > 0) {
    }
    if (length < 0 && errno == EAGAIN) abort(); /* forgotten by the server */
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!address.sin_port) prepare();
    talk(data, size);
    return 0;
}
