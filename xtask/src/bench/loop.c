/* The empty libpcap loop: the floor of every program that reads captures by libpcap. */
#include <pcap/pcap.h>
#include <stdio.h>

static unsigned long packets, bytes;

static void each(unsigned char *user, const struct pcap_pkthdr *head, const unsigned char *data)
{
    (void)user;
    (void)data;
    packets++;
    bytes += head->caplen;
}

int main(int count, char **words)
{
    char error[PCAP_ERRBUF_SIZE];
    pcap_t *capture = count == 2 ? pcap_open_offline(words[1], error) : NULL;
    if (capture == NULL || pcap_loop(capture, -1, each, NULL) != 0)
        return 1;
    fprintf(stderr, "%lu packets, %lu bytes\n", packets, bytes);
    return 0;
}
